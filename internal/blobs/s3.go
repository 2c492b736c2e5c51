package blobs

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// bucket keeps blobs as objects of S3, or of what speaks like it.
type bucket struct {
	client *minio.Client
	name   string
	prefix string // "" or ends with a slash
}

// openS3 reads s3://[key:secret@]bucket[/prefix]?endpoint=URL&region=NAME. Without
// a key in the address the usual places are asked: AWS_ACCESS_KEY_ID and
// AWS_SECRET_ACCESS_KEY, the file of the aws tools, the role of the machine.
func openS3(u *url.URL) (Store, error) {
	if u.Host == "" {
		return nil, fmt.Errorf("blobs.url names no bucket: write it like s3://bucket?endpoint=https://storage.example.org")
	}
	for parameter := range u.Query() {
		if parameter != "endpoint" && parameter != "region" {
			return nil, fmt.Errorf("blobs.url has an unknown parameter %s: endpoint and region are known", parameter)
		}
	}
	host, secure, err := endpoint(u.Query().Get("endpoint"))
	if err != nil {
		return nil, err
	}
	client, err := minio.New(host, &minio.Options{Creds: keys(u.User), Secure: secure, Region: u.Query().Get("region")})
	if err != nil {
		return nil, fmt.Errorf("blobs.url: %w", err)
	}
	prefix := strings.Trim(u.Path, "/")
	if prefix != "" {
		if err := checkKey(prefix); err != nil {
			return nil, fmt.Errorf("blobs.url: %w", err)
		}
		prefix += "/"
	}
	return &bucket{client: client, name: u.Host, prefix: prefix}, nil
}

func endpoint(address string) (host string, secure bool, err error) {
	if address == "" {
		return "s3.amazonaws.com", true, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", false, fmt.Errorf("the endpoint %q in blobs.url is no address: write it like https://storage.example.org", address)
	}
	return u.Host, u.Scheme == "https", nil
}

func keys(user *url.Userinfo) *credentials.Credentials {
	if user != nil {
		secret, _ := user.Password()
		return credentials.NewStaticV4(user.Username(), secret, "")
	}
	return credentials.NewChainCredentials([]credentials.Provider{
		&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}, &credentials.IAM{},
	})
}

// Put measures the content in a temporary file first: S3 wants the size before
// the bytes, and a reader that breaks off must leave no object.
func (b *bucket) Put(ctx context.Context, key string, r io.Reader) (Info, error) {
	if err := checkKey(key); err != nil {
		return Info{}, err
	}
	info, err := b.put(ctx, key, r)
	if err != nil {
		return Info{}, fmt.Errorf("keep blob %s in bucket %s: %w", key, b.name, b.explain(err))
	}
	return info, nil
}

func (b *bucket) put(ctx context.Context, key string, r io.Reader) (Info, error) {
	draft, err := os.CreateTemp("", "marshrut-blob-*")
	if err != nil {
		return Info{}, err
	}
	defer os.Remove(draft.Name())
	defer draft.Close()
	info, err := write(draft, key, reader{ctx, r})
	if err != nil {
		return Info{}, err
	}
	if _, err := draft.Seek(0, io.SeekStart); err != nil {
		return Info{}, err
	}
	options := minio.PutObjectOptions{ContentType: "application/octet-stream"}
	// Signed in chunks, as over plain http, an empty object goes out without its length.
	options.DisableContentSha256 = info.Size == 0
	_, err = b.client.PutObject(ctx, b.name, b.prefix+key, draft, info.Size, options)
	return info, err
}

func (b *bucket) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	object, err := b.client.GetObject(ctx, b.name, b.prefix+key, minio.GetObjectOptions{})
	if err != nil {
		return nil, fmt.Errorf("open blob %s in bucket %s: %w", key, b.name, b.explain(err))
	}
	// GetObject asks nothing until the first read; Stat tells what is not there.
	if _, err := object.Stat(); err != nil {
		object.Close()
		if minio.ToErrorResponse(err).Code == minio.NoSuchKey {
			return nil, fmt.Errorf("%w: %s", ErrNotFound, key)
		}
		return nil, fmt.Errorf("open blob %s in bucket %s: %w", key, b.name, b.explain(err))
	}
	return object, nil
}

func (b *bucket) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	err := b.client.RemoveObject(ctx, b.name, b.prefix+key, minio.RemoveObjectOptions{})
	if err != nil && minio.ToErrorResponse(err).Code != minio.NoSuchKey {
		return fmt.Errorf("delete blob %s in bucket %s: %w", key, b.name, b.explain(err))
	}
	return nil
}

// explain adds the cure to the answers that have one.
func (b *bucket) explain(err error) error {
	switch minio.ToErrorResponse(err).Code {
	case minio.NoSuchBucket:
		return fmt.Errorf("%w: make the bucket %s, or correct blobs.url", err, b.name)
	case minio.AccessDenied, "InvalidAccessKeyId", "SignatureDoesNotMatch":
		return fmt.Errorf("%w: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY and what they may do", err)
	}
	return err
}
