"""HTTP in: the screens on the public listener, operations on the admin one."""
