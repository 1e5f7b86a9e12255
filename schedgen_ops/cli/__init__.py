"""What a task calls: questions, tables, the order of a run. One module for each namespace of tasks."""
