from labkit.regularizers.norms import L1 as L1
from labkit.regularizers.norms import L1L2 as L1L2
from labkit.regularizers.norms import L2 as L2
