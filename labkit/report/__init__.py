"""Reports: statistics over seeds, bias and variance, tables. They know no store: trials come as plain `Result`s."""
