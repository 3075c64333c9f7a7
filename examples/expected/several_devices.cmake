want("the night was still dark\\.")
