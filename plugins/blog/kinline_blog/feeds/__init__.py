"""Comment feeds (Atom, RSS, JSON Feed), for blogs that offer nothing else."""
