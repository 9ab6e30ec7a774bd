"""Two engines that run the same plan and give the same incidents and ledgers, bit for bit."""
