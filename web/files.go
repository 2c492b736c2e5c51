package web

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"marshrut/internal/staff"
	"marshrut/leads"
	"marshrut/processes"
)

// Files of people: what somebody hands in for an action of a task, and what clients sent with an inquiry. The bytes lie in the
// store of files before anything refers to them. The value of the action is the reference, so that file and action are done
// in one transaction:
//
//	file:steps/TASK/SHA256/NAME
//
// The task's number is part of the key and is compared when the file is asked for: a reference typed by hand opens nothing of
// another task.

const (
	maxUpload     = 25 << 20 // of a file, as of a form with files
	uploadMemory  = 1 << 20  // larger ones wait on disk
	uploadTime    = 10 * time.Minute
	filePrefix    = "file:"
	fileKind      = "file"
	sniffedLength = 512 // what http.DetectContentType looks at
)

var errTooLarge = errors.New("the file is larger than 25 MiB")

// readForm reads a form, with files or without, within the bounds.
func readForm(c *gin.Context) error {
	err := error(nil)
	if isMultipart(c) {
		// The server's own limit is for small requests; a telephone needs longer for a contract.
		_ = http.NewResponseController(c.Writer).SetReadDeadline(time.Now().Add(uploadTime)) // not every writer can: then the limit stays
		c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxUpload+maxJSON)
		err = c.Request.ParseMultipartForm(uploadMemory)
	} else {
		err = c.Request.ParseForm()
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return errTooLarge
	case err != nil:
		return errBadRequest
	}
	return nil
}

func isMultipart(c *gin.Context) bool {
	kind, _, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	return err == nil && kind == "multipart/form-data"
}

// picked is the file that stands in a field of the form, or nil. A browser sends an empty one where nothing was chosen.
func picked(c *gin.Context, field string) *multipart.FileHeader {
	if c.Request.MultipartForm == nil {
		return nil
	}
	for _, file := range c.Request.MultipartForm.File[field] {
		if file.Filename != "" {
			return file
		}
	}
	return nil
}

// keepFile stores what somebody hands in for an action and gives the value that refers to it. Who may not work the task
// stores nothing: the refusal is made, and written down, where every other is.
func (s *Server) keepFile(c *gin.Context, actor staff.Actor, task processes.Task, step string, header *multipart.FileHeader) (string, error) {
	ctx := c.Request.Context()
	people, err := s.Staff.Directory(ctx, s.Pool)
	if err != nil {
		return "", err
	}
	lead, err := s.Leads.Lead(ctx, task.Subject)
	if err != nil {
		return "", err
	}
	if task.Status != processes.TaskOpen || !s.mayWork(people, actor, lead.Lead, task) {
		_, err := s.Casework.DoStep(ctx, actor, task.ID, step, nil) // a file is no file without a value: always refused
		return "", err
	}
	if header.Size > maxUpload {
		return "", errTooLarge
	}
	file, err := header.Open()
	if err != nil {
		return "", fmt.Errorf("read the file handed in: %w", err)
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", fmt.Errorf("read the file handed in: %w", err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return "", fmt.Errorf("read the file handed in: %w", err)
	}
	key := fileFolder(task.ID) + hex.EncodeToString(hash.Sum(nil))
	if _, err := s.Files.Put(ctx, key, file); err != nil {
		return "", fmt.Errorf("keep the file handed in: %w", err)
	}
	return filePrefix + key + "/" + url.PathEscape(safeFileName(header.Filename)), nil
}

func fileFolder(task int64) string { return "steps/" + strconv.FormatInt(task, 10) + "/" }

// safeFileName is a name that came from outside as people may see it.
func safeFileName(name string) string { return cmp.Or(leads.FileName(name), "file") }

// fileOf is the file that the value of an action refers to, if it is one of this task.
func fileOf(task int64, value any) (leads.File, bool) {
	text, _ := value.(string)
	ref, ok := strings.CutPrefix(text, filePrefix)
	slash := strings.LastIndexByte(ref, '/')
	if !ok || slash < 0 {
		return leads.File{}, false
	}
	hash, ours := strings.CutPrefix(ref[:slash], fileFolder(task))
	name, err := url.PathUnescape(ref[slash+1:])
	if !ours || err != nil || len(hash) != sha256.Size*2 || strings.Trim(hash, "0123456789abcdef") != "" {
		return leads.File{}, false
	}
	return leads.File{Name: safeFileName(name), Ref: ref[:slash]}, true
}

// stepFileAddress is where people get the file of an action, or "".
func stepFileAddress(task int64, step processes.Step) string {
	if _, ok := fileOf(task, step.Value); !ok || step.Kind != fileKind {
		return ""
	}
	return fmt.Sprintf("/tasks/%d/files/%s", task, url.PathEscape(step.ID))
}

// sendStepFile gives the file of an action to who sees the lead and its client.
func (s *Server) sendStepFile(c *gin.Context, actor staff.Actor) error {
	task, err := s.taskOf(c, actor)
	if err != nil {
		return err
	}
	for _, step := range task.Steps {
		if file, ok := fileOf(task.ID, step.Value); ok && step.ID == c.Param("step") && step.Kind == fileKind {
			return s.sendFile(c, actor, file)
		}
	}
	return fmt.Errorf("task %d has no file at %.64q: %w", task.ID, c.Param("step"), leads.ErrNotFound)
}

// sendInquiryFile gives a file that a client sent.
func (s *Server) sendInquiryFile(c *gin.Context, actor staff.Actor) error {
	view, err := s.Leads.Inquiry(c.Request.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	if _, err := s.visibleLead(c.Request.Context(), actor, view.LeadID); err != nil {
		return err
	}
	at, err := strconv.Atoi(c.Param("n"))
	if err != nil || at < 0 || at >= len(view.Files) || view.Files[at].Ref == "" {
		return fmt.Errorf("inquiry %.64q has no file %.16q: %w", view.ID, c.Param("n"), leads.ErrNotFound)
	}
	return s.sendFile(c, actor, view.Files[at])
}

// sendFile sends a file to be saved, never to be shown by the browser as a page of ours: what is in it comes from strangers.
func (s *Server) sendFile(c *gin.Context, actor staff.Actor, file leads.File) error {
	if staff.ScopeOf(actor).Masked {
		return staff.ErrNotAllowed
	}
	blob, err := s.Files.Open(c.Request.Context(), file.Ref)
	if err != nil {
		return fmt.Errorf("open the file %s: %w", file.Ref, err)
	}
	defer blob.Close()
	body := bufio.NewReaderSize(blob, sniffedLength)
	head, err := body.Peek(sniffedLength)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the file %s: %w", file.Ref, err)
	}
	c.Header("Content-Type", safeType(head))
	c.Header("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": safeFileName(file.Name)}))
	c.Header("Content-Security-Policy", "default-src 'none'; sandbox")
	c.Status(http.StatusOK)
	if _, err := io.Copy(c.Writer, body); err != nil {
		s.Log.WarnContext(c.Request.Context(), "a file was not sent to its end", "file", file.Ref, "error", err)
		c.Abort()
	}
	return nil
}

// safeTypes are kinds of content that run nothing wherever they are opened. The sender's word for it counts for nothing.
var safeTypes = map[string]bool{"application/pdf": true, "image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true, "application/zip": true}

func safeType(head []byte) string {
	if kind := http.DetectContentType(head); safeTypes[kind] {
		return kind
	}
	return "application/octet-stream"
}
