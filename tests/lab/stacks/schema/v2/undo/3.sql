ALTER TABLE orders DROP note
