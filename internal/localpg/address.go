package localpg

import (
	"fmt"
	"path/filepath"
)

// Address is where the server of a data folder answers to a database, whoever started it. It starts nothing and locks
// nothing: an operator's errand works beside the gateway whose server it is.
func Address(dir, database string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the data folder %s: %w", dir, err)
	}
	p, err := settle(dir)
	if err != nil {
		return "", err
	}
	return p.url(database), nil
}
