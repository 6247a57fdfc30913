package io.sluice.kernel.cni;

import java.nio.file.Path;

/** Where a distribution's containerd has its settings, and what they say about CNI. */
enum RuntimeLayout {
  /** As Debian packages it: one directory of plugins, and not the usual one. */
  DEBIAN(
      "/etc/containerd/config.toml",
      "/run/containerd/containerd.sock",
      "/etc/cni/net.d",
      "/usr/lib/cni",
      "/usr/lib/cni"),

  /** As containerd itself has it. */
  UPSTREAM(
      "/etc/containerd/config.toml",
      "/run/containerd/containerd.sock",
      "/etc/cni/net.d",
      "/opt/cni/bin",
      "/opt/cni/bin"),

  /** As k3s has it: the directory of plugins is behind a link that each release turns. */
  K3S(
      "/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
      "/run/k3s/containerd/containerd.sock",
      "/var/lib/rancher/k3s/agent/etc/cni/net.d",
      "/var/lib/rancher/k3s/data/current/bin",
      "/var/lib/rancher/k3s/data/0123abcd/bin");

  private final Path config;
  private final Path socket;
  private final Path configurations;
  private final Path plugins;
  private final Path unpacked;

  RuntimeLayout(
      String config, String socket, String configurations, String plugins, String unpacked) {
    this.config = Path.of(config);
    this.socket = Path.of(socket);
    this.configurations = Path.of(configurations);
    this.plugins = Path.of(plugins);
    this.unpacked = Path.of(unpacked);
  }

  Path config() {
    return config;
  }

  Path socket() {
    return socket;
  }

  /** conf_dir. */
  Path configurations() {
    return configurations;
  }

  /** Where the plugins are, links followed. */
  Path unpacked() {
    return unpacked;
  }

  /** Whether bin_dir is a path with a link in it. */
  boolean hasLink() {
    return !plugins.equals(unpacked);
  }

  /** The settings. Machines of a farm may not let a container's score be lowered. */
  String text() {
    return """
    version = 2

    [plugins]
      [plugins."io.containerd.grpc.v1.cri"]
        sandbox_image = "%s"
        restrict_oom_score_adj = true
        [plugins."io.containerd.grpc.v1.cri".cni]
          bin_dir = "%s"
          conf_dir = "%s"
      [plugins."io.containerd.internal.v1.opt"]
        path = "/var/lib/containerd/opt"
    """
        .formatted(LocalImage.PAUSE, plugins, configurations);
  }
}
