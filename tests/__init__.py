"""The suite: unit, property, contract, integration and end-to-end tests."""
