head -c 5000000 /dev/urandom > large
