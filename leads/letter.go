package leads

// Letter is a letter that we send.
type Letter struct {
	MessageID     string // without brackets
	From, To      string // addresses
	Subject, Text string
}

// Correspondence is what a letter about a lead needs to know: to whom it goes and what it answers.
type Correspondence struct {
	Name    string `json:"name"`    // of the contact, as written
	Address string `json:"address"` // "" when there is none
	Subject string `json:"subject"` // of the last letter that came
	// Letters are the Message-IDs that came last, the newest at the end.
	Letters []string `json:"letters"`
}
