package email

// ourID begins the Message-IDs of letters that the gateway sends.
const ourID = "marshrut."
