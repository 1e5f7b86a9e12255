ALTER TABLE orders DROP paid
