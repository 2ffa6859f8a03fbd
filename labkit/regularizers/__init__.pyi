from labkit.regularizers.norms import L1 as L1, L1L2 as L1L2, L2 as L2
