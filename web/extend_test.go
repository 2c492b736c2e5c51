package web

// extend adds to the rooms of a test what not every test needs.
func (s *stack) extend(*Deps) {}
