package kafkatest

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

//go:embed pom.xml
var pom string

// javaNeeded is what a broker of Kafka 4 runs on.
const javaNeeded = 17

// release is a fetched Kafka and the Java to run it.
type release struct{ java, libs string }

// fetch finds Java, and has Maven fetch the broker of pom.xml with everything it
// needs into the user's cache, once per version of that file's content.
func fetch(ctx context.Context) (*release, error) {
	java, err := findJava(ctx)
	if err != nil {
		return nil, err
	}
	version := regexp.MustCompile(`<kafka\.version>(.*)</kafka\.version>`).FindStringSubmatch(pom)
	if version == nil {
		return nil, errors.New("pom.xml names no kafka.version")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir() // no HOME, as in some containers
	}
	libs := filepath.Join(cache, "marshrut", "kafka-"+version[1])
	if _, err := os.Stat(libs); err == nil {
		return &release{java, libs}, nil
	}
	if err := download(ctx, libs); err != nil {
		return nil, fmt.Errorf("fetch Apache Kafka %s: %w", version[1], err)
	}
	return &release{java, libs}, nil
}

// download fetches beside libs and renames, so that a half is never taken for the
// whole and two tests may do it at once.
func download(ctx context.Context, libs string) error {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return fmt.Errorf("maven is needed once (Debian: apt-get install maven): %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(libs), 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(libs), ".fetch-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	file, part := filepath.Join(work, "pom.xml"), filepath.Join(work, "libs")
	if err := os.WriteFile(file, []byte(pom), 0o644); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, mvn, "-q", "-B", "-f", file,
		"org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+part)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("maven: %w\n%s", err, out)
	}
	if err := os.Rename(part, libs); err != nil {
		if _, there := os.Stat(libs); there == nil {
			return nil // another test was faster
		}
		return err
	}
	return nil
}

func findJava(ctx context.Context) (string, error) {
	const cure = "a broker of Apache Kafka 4 needs Java %d or newer (Debian: apt-get install openjdk-17-jre-headless)"
	java := "java"
	if home := os.Getenv("JAVA_HOME"); home != "" {
		java = filepath.Join(home, "bin", "java")
	}
	path, err := exec.LookPath(java)
	if err != nil {
		return "", fmt.Errorf(cure+": %w", javaNeeded, err)
	}
	out, err := exec.CommandContext(ctx, path, "-version").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("ask %s for its version: %w", path, err)
	}
	found := regexp.MustCompile(`version "(\d+)`).FindSubmatch(out)
	if found == nil {
		return "", fmt.Errorf(cure+"; %s does not say which it is: %s", javaNeeded, path, out)
	}
	if n, _ := strconv.Atoi(string(found[1])); n < javaNeeded {
		return "", fmt.Errorf(cure+"; %s is %d", javaNeeded, path, n)
	}
	return path, nil
}
