ALTER TABLE orders ADD paid int
