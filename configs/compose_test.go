package configs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// compose reads docker-compose.yml as `docker compose config` does: same loader, same interpolation, same checks.
func compose(t *testing.T) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"../docker-compose.yml"},
		cli.WithEnv([]string{"POSTGRES_PASSWORD=p", "MARSHRUT_SECRET_KEY=" + strings.Repeat("k", 64)}),
		cli.WithWorkingDirectory(".."))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatalf("docker-compose.yml: %v", err)
	}
	return project
}

func TestComposeFileDescribesTheScaledOutGateway(t *testing.T) {
	project := compose(t)
	names := project.ServiceNames()
	for _, want := range []string{"edge", "kafka", "postgres", "prometheus", "web", "worker-1", "worker-2"} {
		if !slices.Contains(names, want) {
			t.Errorf("service %s is missing among %v", want, names)
		}
	}
	for name, service := range project.Services {
		for _, volume := range service.Volumes {
			if volume.Type != types.VolumeTypeBind {
				continue
			}
			if _, err := os.Stat(volume.Source); err != nil {
				t.Errorf("%s mounts %s, which is not there", name, filepath.Base(volume.Source))
			}
		}
	}
}

func TestComposeFileSetsOnlySettingsThatExist(t *testing.T) {
	project := compose(t)
	for _, name := range []string{"edge", "worker-1", "worker-2", "web"} {
		var environ []string
		for key, value := range project.Services[name].Environment {
			environ = append(environ, key+"="+*value)
		}
		config, err := Load("", environ)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(config.Kafka.Brokers) != 1 || !strings.Contains(config.Database.URL.Reveal(), "@postgres:5432/") {
			t.Errorf("%s does not reach Kafka and PostgreSQL", name)
		}
	}
}
