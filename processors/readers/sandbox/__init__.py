"""Where a stranger's bytes are opened: a throwaway child that can open neither a file nor a socket."""
