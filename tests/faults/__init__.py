"""A test for each fault: of the service, of storage, of identity, of workers and of clocks."""
