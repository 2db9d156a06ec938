"""What an agent sends and reads: arguments, schemas, definitions, answers of a bearable size."""
