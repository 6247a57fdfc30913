package io.sluice.cni.install;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RuntimeDetectionTest {
  private static final String K3S = "/var/lib/rancher/k3s/agent/etc/containerd/config.toml";
  private static final String CONTAINERD = "/etc/containerd/config.toml";

  @TempDir Path directory;
  private Path root;

  @BeforeEach
  void makeRoot() throws IOException {
    root = directory.toRealPath();
  }

  @Test
  void takesTheUsualDirectoriesWhereNoRuntimeIsFound() {
    RuntimePaths paths = detect();

    assertThat(paths.confDir()).isEqualTo(Path.of("/etc/cni/net.d"));
    assertThat(paths.binDirs()).containsExactly(Path.of("/opt/cni/bin"));
    assertThat(paths.reason()).contains("no container runtime was found");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          version = 2;[plugins."io.containerd.grpc.v1.cri".cni];bin_dir = "/b";conf_dir = "/c"
          version = 2;[plugins.'io.containerd.grpc.v1.cri'.cni] # why;bin_dir = '/b';conf_dir = '/c/'
          version = 3;[plugins.'io.containerd.cri.v1.runtime'.cni];bin_dirs = ['/b'];conf_dir = '/c'
          version = 3;[plugins."io.containerd.cri.v1.runtime".cni];bin_dir = "/b";conf_dir = "/c"
          version = 3;[plugins."io.containerd.cri.v1.runtime"];cni = {bin_dirs = ["/b"], conf_dir = "/c"}
          version = 2;plugins."io.containerd.grpc.v1.cri".cni.bin_dir = "/b";plugins."io.containerd.grpc.v1.cri".cni.conf_dir = "/c"
          [plugins.cri.cni];bin_dir = "/b";conf_dir = "/c"
          """)
  void readsEveryFormOfContainerdsConfiguration(String text) throws IOException {
    write(CONTAINERD, text.replace(';', '\n'));

    RuntimePaths paths = detect();

    assertDirectories(paths, "containerd", "/c", "/b");
    assertThat(paths.reason()).contains(CONTAINERD);
    assertThat(paths.notes()).isEmpty();
    assertThat(paths.obstacles()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "# nothing is set\n", "version = 2\n"})
  void takesTheDefaultsForWhatIsLeftOut(String text) throws IOException {
    write(CONTAINERD, text);

    assertDirectories(detect(), "containerd", "/etc/cni/net.d", "/opt/cni/bin");
    assertThat(detect().notes()).isEmpty();
  }

  @Test
  void takesAllDirectoriesOfPluginsInTheirOrder() throws IOException {
    write(
        CONTAINERD,
        """
        version = 3
        [plugins.'io.containerd.cri.v1.runtime'.cni]
        bin_dirs = ['/z', '/a']
        bin_dir = ''
        """);

    assertDirectories(detect(), "containerd", "/etc/cni/net.d", "/z", "/a");
  }

  @Test
  void followsImportsOfWhichTheLastWins() throws IOException {
    write(
        CONTAINERD,
        """
        version = 3
        imports = ["conf.d/*.toml", "/opt/own.toml", "%s"]
        [plugins.'io.containerd.cri.v1.runtime'.cni]
        bin_dirs = ['/b']
        conf_dir = '/c'
        """
            .formatted(CONTAINERD));
    String dropIn = "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.cni]\nconf_dir = '%s'\n";
    write("/etc/containerd/conf.d/10.toml", dropIn.formatted("/ten"));
    write("/etc/containerd/conf.d/20.toml", dropIn.formatted("/twenty"));
    assertThatFailedImportIsNamed();

    write("/opt/own.toml", "version = 2\n");

    assertDirectories(detect(), "containerd", "/twenty", "/b");
  }

  private void assertThatFailedImportIsNamed() {
    RuntimePaths paths = detect();
    assertDirectories(paths, "containerd", "/etc/cni/net.d", "/opt/cni/bin");
    assertThat(paths.notes()).singleElement().asString().contains("/opt/own.toml");
  }

  @Test
  void saysWhereContainerd1TakesAnImportOtherwise() throws IOException {
    write(
        CONTAINERD,
        """
        version = 2
        imports = ["/etc/containerd/registry.toml"]
        [plugins."io.containerd.grpc.v1.cri".cni]
        conf_dir = "/c"
        """);
    write(
        "/etc/containerd/registry.toml",
        "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\nconfig_path = \"/r\"\n");

    RuntimePaths paths = detect();

    assertDirectories(paths, "containerd", "/c", "/opt/cni/bin");
    assertThat(paths.notes()).singleElement().asString().contains("containerd 1.x", "/etc/cni");
  }

  @Test
  void leavesAContainerdOutThatServesNoKubernetes() throws IOException {
    write(CONTAINERD, "disabled_plugins = [\"cri\"]\n[plugins.cri.cni]\nconf_dir = \"/docker\"\n");

    assertThat(detect().reason()).startsWith("no container runtime was found");
  }

  @Test
  void namesAConfigurationThatCannotBeRead() throws IOException {
    write(CONTAINERD, "version = 2\n[plugins\n");

    RuntimePaths paths = detect();

    assertDirectories(paths, "containerd", "/etc/cni/net.d", "/opt/cni/bin");
    assertThat(paths.reason()).contains("cannot be read");
    assertThat(paths.notes()).singleElement().asString().contains(CONTAINERD + ", line ");
  }

  @Test
  void refusesToChainWhereEachPodWouldGetTwoNetworks() throws IOException {
    write(CONTAINERD, "version = 2\nplugins.\"io.containerd.grpc.v1.cri\".cni.max_conf_num = 0\n");

    assertThat(detect().obstacles()).singleElement().asString().contains("max_conf_num = 0");
  }

  @Test
  void namesRuntimeHandlersThatUseOtherConfigurations() throws IOException {
    write(
        CONTAINERD,
        """
        version = 3
        [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.kata]
        cni_conf_dir = '/etc/cni/kata'
        """);

    assertThat(detect().notes()).singleElement().asString().contains("kata", "/etc/cni/kata");
  }

  @Test
  void readsWhatK3sGenerates() throws IOException {
    write(
        K3S,
        """
        # File generated by k3s. DO NOT EDIT.
        version = 3
        imports = ["/var/lib/rancher/k3s/agent/etc/containerd/config-v3.toml.d/*.toml"]
        root = "/var/lib/rancher/k3s/agent/containerd"
        [plugins.'io.containerd.cri.v1.runtime'.cni]
          bin_dirs = ["/var/lib/rancher/k3s/data/cni"]
          conf_dir = "/var/lib/rancher/k3s/agent/etc/cni/net.d"
        """);

    assertDirectories(
        detect(),
        "k3s",
        "/var/lib/rancher/k3s/agent/etc/cni/net.d",
        "/var/lib/rancher/k3s/data/cni");
  }

  @Test
  void takesContainerdsDefaultsWhereK3sLeavesTheTableOut() throws IOException {
    write(K3S, "version = 3\n"); // flannel-backend: none

    assertDirectories(detect(), "k3s", "/etc/cni/net.d", "/opt/cni/bin");
  }

  @Test
  void takesTheOlderDirectoryOfK3sWhereOnlyThatIs() throws IOException {
    Files.createDirectories(root.resolve("var/lib/rancher/k3s/data/0ab/bin"));
    Files.createSymbolicLink(
        root.resolve("var/lib/rancher/k3s/data/current"), Path.of("/var/lib/rancher/k3s/data/0ab"));
    try (var answering = answering("run/k3s/containerd/containerd.sock")) {
      assertThat(answering.isOpen()).isTrue();
      assertDirectories(
          detect(),
          "k3s",
          "/var/lib/rancher/k3s/agent/etc/cni/net.d",
          "/var/lib/rancher/k3s/data/current/bin");
    }
  }

  @Test
  void readsRke2K0sAndTheirImports() throws IOException {
    write("/var/lib/rancher/rke2/agent/etc/containerd/config.toml", "version = 3\n");
    assertDirectories(detect(), "RKE2", "/etc/cni/net.d", "/opt/cni/bin");
    Files.delete(root.resolve("var/lib/rancher/rke2/agent/etc/containerd/config.toml"));

    write(
        "/etc/k0s/containerd.toml",
        "# k0s_managed=true\nversion = 2\nimports = [\"/run/k0s/containerd-cri.toml\"]\n");
    write(
        "/run/k0s/containerd-cri.toml",
        "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".cni]\nbin_dir = \"/opt/k0s\"\n");
    assertThat(detect().binDirs()).containsExactly(Path.of("/opt/k0s"));
    assertThat(detect().reason()).startsWith("k0s: ");
  }

  @ParameterizedTest
  @CsvSource({
    "containerd.toml,/var/snap/microk8s/current",
    "containerd-template.toml,${SNAP_DATA}"
  })
  void readsMicroK8s(String file, String data) throws IOException {
    write("/var/snap/microk8s/7000/args/other", "");
    Files.createSymbolicLink(root.resolve("var/snap/microk8s/current"), Path.of("7000"));
    write(
        "/var/snap/microk8s/7000/args/" + file,
        """
        version = 2
        [plugins."io.containerd.grpc.v1.cri".cni]
        bin_dir = "%1$s/opt/cni/bin"
        conf_dir = "%1$s/args/cni-network"
        """
            .formatted(data));

    assertDirectories(
        detect(),
        "MicroK8s",
        "/var/snap/microk8s/current/args/cni-network",
        "/var/snap/microk8s/current/opt/cni/bin");
  }

  @Test
  void readsCrioAndItsDropInsOfWhichTheLastWins() throws IOException {
    write(
        "/etc/crio/crio.conf",
        "[crio.network]\nnetwork_dir = \"/first/\"\nplugin_dirs = [\n\"/opt/cni/bin/\",\n]\n");
    write("/etc/crio/crio.conf.d/10.conf", "[crio.network]\nnetwork_dir = \"/ten\"\n");
    write(
        "/etc/crio/crio.conf.d/20.conf",
        "[crio.network]\nplugin_dirs = [\"/x\", \"/y\"]\ncni_default_network = \"pods\"\n");
    write("/etc/crio/crio.conf.d/30.conf.bak", "[crio.network]\nnetwork_dir = \"/bak\"\n");

    RuntimePaths paths = detect();

    assertDirectories(paths, "CRI-O", "/ten", "/x", "/y");
    assertThat(paths.network()).isEqualTo("pods");
    assertThat(paths.reason()).contains("/etc/crio/crio.conf, /etc/crio/crio.conf.d/10.conf");
  }

  @Test
  void readsContainerdsDirectoryWhereThereIsNoMainFile() throws IOException {
    write(
        "/etc/containerd/conf.d/cni.toml",
        "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.cni]\nconf_dir = '/c'\n");

    assertDirectories(detect(), "containerd", "/c", "/opt/cni/bin");
  }

  @Test
  void prefersTheRuntimeThatAnswers() throws IOException {
    write(K3S, "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.cni]\nbin_dirs = ['/k3s']\n");
    write(CONTAINERD, "version = 2\nplugins.\"io.containerd.grpc.v1.cri\".cni.bin_dir = \"/b\"\n");
    assertThat(detect().reason()).as("bundled with Kubernetes").startsWith("k3s: ");
    var detection = new RuntimeDetection(root);

    try (var answering = answering("run/containerd/containerd.sock")) {
      assertThat(answering.isOpen()).isTrue();
      RuntimePaths paths = detection.detect();

      assertDirectories(paths, "containerd", "/etc/cni/net.d", "/b");
      assertThat(paths.otherBinDirs()).containsExactly(Path.of("/k3s"));
      assertThat(paths.reason()).contains("preferred to k3s because it answers");
    }

    assertThat(detection.detect().reason())
        .as("a runtime that was just restarted is not left")
        .startsWith("containerd: ");
    abandoned("run/containerd/containerd.sock");
    assertThat(detect().reason()).as("a socket nobody listens at").startsWith("k3s: ");
  }

  @Test
  void prefersWhatWasConfiguredLastAmongEquals() throws IOException {
    write("/etc/k0s/containerd.toml", "version = 2\n");
    write(K3S, "version = 3\n");
    age("/etc/k0s/containerd.toml", 100);
    age(K3S, 200);
    assertThat(detect().reason()).startsWith("k3s: ");

    age("/etc/k0s/containerd.toml", 300);

    assertThat(detect().reason()).startsWith("k0s: ");
  }

  @Test
  void takesWhatIsSetExplicitly() throws IOException {
    write(K3S, "version = 3\n");

    assertDirectories(detect().withConfDir(Path.of("/own")), "k3s", "/own", "/opt/cni/bin");
    RuntimePaths own = detect().withBinDirs(List.of(Path.of("/x"), Path.of("/y")));
    assertDirectories(own, "k3s", "/etc/cni/net.d", "/x", "/y");
    assertThat(own.reason()).contains("set explicitly");
  }

  private RuntimePaths detect() {
    return new RuntimeDetection(root).detect();
  }

  private static void assertDirectories(
      RuntimePaths paths, String runtime, String confDir, String... binDirs) {
    assertThat(paths.reason()).startsWith(runtime + ": ");
    assertThat(paths.confDir()).isEqualTo(Path.of(confDir));
    assertThat(paths.binDirs().stream().map(Path::toString)).containsExactly(binDirs);
  }

  private void write(String path, String content) throws IOException {
    Path file = root.resolve(path.substring(1));
    Files.createDirectories(file.getParent());
    Files.writeString(file, content);
  }

  private void age(String path, long seconds) throws IOException {
    Files.setLastModifiedTime(
        root.resolve(path.substring(1)), FileTime.from(Instant.ofEpochSecond(seconds)));
  }

  /** Made anew: a process that is just being forked keeps the one before open for a moment. */
  private void abandoned(String socket) throws IOException {
    Path path = root.resolve(socket);
    Files.delete(path);
    try (var client = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      client.bind(UnixDomainSocketAddress.of(path));
    }
  }

  private ServerSocketChannel answering(String socket) throws IOException {
    Path path = root.resolve(socket);
    Files.createDirectories(path.getParent());
    var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(path));
    return server;
  }
}
