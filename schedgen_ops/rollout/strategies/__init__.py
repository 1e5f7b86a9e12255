"""How the containers of a service are replaced: a module for each way, all behind one contract."""
