"""infra/ held to what Azure would be asked for: the compiler evaluates it, without Azure."""
