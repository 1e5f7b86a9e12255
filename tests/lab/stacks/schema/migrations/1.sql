CREATE TABLE orders (n int); CREATE TABLE sick (number text)
