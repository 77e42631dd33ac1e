"""Which conversation something belongs to: by the keys that a provider gave, or, among mails, by who sees whom."""
