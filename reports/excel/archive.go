package excel

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
)

// archive is the zip of a workbook. excelize hands over the parts in the order of
// a Go map, which differs from run to run; here they are compressed as they come
// and written in the order of their names, so that the same workbook is the same
// file. Parts that grow large wait in a temporary file.
type archive struct {
	out   io.Writer
	parts []*part
	types *bytes.Buffer // the content types while they are written
}

// contentTypes is the part whose elements excelize writes in the order of a map.
const contentTypes = "[Content_Types].xml"

func newArchive(out io.Writer) *archive { return &archive{out: out} }

// part is one file of the archive, compressed.
type part struct {
	name     string
	memory   bytes.Buffer
	file     *os.File // when memory was too small
	deflate  *flate.Writer
	sum      uint32
	size     uint64
	deflated uint64
}

// epoch is 1 January 1980 as zip writes dates: the first it can. The date of the
// report is in the document's properties.
const epoch = 1<<5 | 1

var element = regexp.MustCompile(`<(Default|Override) [^>]*?(/>|></(Default|Override)>)`)

// sortElements puts the elements of the content types in order: which comes
// first has no meaning there (ECMA-376 part 2, 10.1.2.2).
func sortElements(xml string) string {
	all := element.FindAllString(xml, -1)
	if len(all) == 0 {
		return xml
	}
	place := element.FindStringIndex(xml)[0]
	slices.Sort(all)
	rest := element.ReplaceAllString(xml, "")
	return rest[:place] + strings.Join(all, "") + rest[place:]
}

// inMemory is how much of a compressed part is kept in memory: all but the sheets of leads.
const inMemory = 1 << 20

// Create begins the next part and ends the one before.
func (a *archive) Create(name string) (io.Writer, error) {
	if err := a.endPart(); err != nil {
		return nil, err
	}
	p := &part{name: name}
	// Level 3: half the time of the usual 6 for a file a tenth larger (BenchmarkWorkbook).
	p.deflate, _ = flate.NewWriter(stored{p}, 3)
	a.parts = append(a.parts, p)
	if name == contentTypes {
		a.types = &bytes.Buffer{}
		return a.types, nil
	}
	return p, nil
}

// AddFS is part of excelize's interface; workbooks of reports add no folders.
func (a *archive) AddFS(fs.FS) error { return errors.ErrUnsupported }

// Close writes the archive.
func (a *archive) Close() error {
	defer a.discard()
	if err := a.endPart(); err != nil {
		return err
	}
	slices.SortFunc(a.parts, func(x, y *part) int { return strings.Compare(x.name, y.name) })
	z := zip.NewWriter(a.out)
	for _, p := range a.parts {
		if err := p.writeTo(z); err != nil {
			return fmt.Errorf("archive %s: %w", p.name, err)
		}
	}
	return z.Close()
}

func (a *archive) endPart() error {
	if len(a.parts) == 0 {
		return nil
	}
	if a.types != nil {
		sorted := sortElements(a.types.String())
		a.types = nil
		if _, err := io.WriteString(a.parts[len(a.parts)-1], sorted); err != nil {
			return err
		}
	}
	return a.parts[len(a.parts)-1].deflate.Close()
}

func (a *archive) discard() {
	for _, p := range a.parts {
		if p.file != nil {
			p.file.Close()
			os.Remove(p.file.Name())
		}
	}
}

func (p *part) Write(b []byte) (int, error) {
	p.sum = crc32.Update(p.sum, crc32.IEEETable, b)
	p.size += uint64(len(b))
	return p.deflate.Write(b)
}

func (p *part) writeTo(z *zip.Writer) error {
	//lint:ignore SA1019 CreateRaw writes the old fields as they are and does not look at Modified
	w, err := z.CreateRaw(&zip.FileHeader{Name: p.name, Method: zip.Deflate, ModifiedDate: epoch, CRC32: p.sum, UncompressedSize64: p.size, CompressedSize64: p.deflated})
	if err != nil {
		return err
	}
	if p.file != nil {
		if _, err := p.file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.Copy(w, p.file); err != nil {
			return err
		}
	}
	_, err = p.memory.WriteTo(w)
	return err
}

// stored is where the compressed bytes of a part go.
type stored struct{ *part }

func (s stored) Write(b []byte) (int, error) {
	s.deflated += uint64(len(b))
	s.memory.Write(b)
	if s.memory.Len() < inMemory {
		return len(b), nil
	}
	if s.file == nil {
		file, err := os.CreateTemp("", "marshrut-xlsx-")
		if err != nil {
			return 0, err
		}
		s.file = file
	}
	if _, err := s.memory.WriteTo(s.file); err != nil {
		return 0, err
	}
	return len(b), nil
}
