package io.sluice.cni.install;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * A runtime that Sluice knows, and where its configuration is. The directories here are only for a
 * runtime whose configuration is missing or cannot be read.
 */
enum KnownRuntime {
  K3S(
      "k3s",
      Kind.CONTAINERD,
      List.of("/var/lib/rancher/k3s/agent/etc/containerd/config.toml"),
      "/run/k3s/containerd/containerd.sock",
      "/var/lib/rancher/k3s/agent/etc/cni/net.d",
      // The first since the releases of October 2024, the second before.
      List.of("/var/lib/rancher/k3s/data/cni", "/var/lib/rancher/k3s/data/current/bin")),
  RKE2(
      "RKE2",
      Kind.CONTAINERD,
      List.of("/var/lib/rancher/rke2/agent/etc/containerd/config.toml"),
      "/run/k3s/containerd/containerd.sock",
      "/etc/cni/net.d",
      List.of("/opt/cni/bin")),
  K0S(
      "k0s",
      Kind.CONTAINERD,
      List.of("/etc/k0s/containerd.toml"),
      "/run/k0s/containerd.sock",
      "/etc/cni/net.d",
      List.of("/opt/cni/bin")),
  MICROK8S(
      "MicroK8s",
      Kind.CONTAINERD,
      List.of(
          "/var/snap/microk8s/current/args/containerd.toml",
          "/var/snap/microk8s/current/args/containerd-template.toml"),
      "/var/snap/microk8s/common/run/containerd.sock",
      "/var/snap/microk8s/current/args/cni-network",
      List.of("/var/snap/microk8s/current/opt/cni/bin")),
  CONTAINERD(
      "containerd",
      Kind.CONTAINERD,
      // Without the file, containerd 2.2 and later read the directory.
      List.of("/etc/containerd/config.toml", "/etc/containerd/conf.d/*.toml"),
      "/run/containerd/containerd.sock",
      "/etc/cni/net.d",
      List.of("/opt/cni/bin")),
  CRIO(
      "CRI-O",
      Kind.CRIO,
      List.of("/etc/crio/crio.conf", "/etc/crio/crio.conf.d/*.conf"),
      "/run/crio/crio.sock",
      "/etc/cni/net.d",
      List.of("/opt/cni/bin"));

  /** How the configuration reads. */
  enum Kind {
    /** A file with imports; of several alternatives the first that exists counts. */
    CONTAINERD,
    /** All files together. */
    CRIO
  }

  private static final Map<String, String> SNAP =
      Map.of(
          "${SNAP_DATA}", "/var/snap/microk8s/current",
          "$SNAP_DATA", "/var/snap/microk8s/current",
          "${SNAP_COMMON}", "/var/snap/microk8s/common");

  private final String title;
  private final Kind kind;
  private final List<Path> configs;
  private final Path socket;
  private final Path confDir;
  private final List<Path> binDirs;

  KnownRuntime(
      String title,
      Kind kind,
      List<String> configs,
      String socket,
      String confDir,
      List<String> binDirs) {
    this.title = title;
    this.kind = kind;
    this.configs = configs.stream().map(Path::of).toList();
    this.socket = Path.of(socket);
    this.confDir = Path.of(confDir);
    this.binDirs = binDirs.stream().map(Path::of).toList();
  }

  String title() {
    return title;
  }

  Kind kind() {
    return kind;
  }

  /** Files, or patterns for files. */
  List<Path> configs() {
    return configs;
  }

  /** Where it answers while it runs. */
  Path socket() {
    return socket;
  }

  Path confDir() {
    return confDir;
  }

  List<Path> binDirs() {
    return binDirs;
  }

  /** Texts in its configuration that stand for others. */
  Map<String, String> variables() {
    return this == MICROK8S ? SNAP : Map.of();
  }

  /** Whether it comes as a part of a Kubernetes distribution, so that it serves nothing else. */
  boolean isBundled() {
    return this != CONTAINERD && this != CRIO;
  }
}
