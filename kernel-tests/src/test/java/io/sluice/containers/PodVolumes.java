package io.sluice.containers;

import com.fasterxml.jackson.databind.JsonNode;
import com.github.dockerjava.api.model.BindOptions;
import com.github.dockerjava.api.model.BindPropagation;
import com.github.dockerjava.api.model.Mount;
import com.github.dockerjava.api.model.MountType;
import com.github.dockerjava.api.model.TmpfsOptions;
import io.sluice.containers.ContainerSpec.VolumeMount;
import io.sluice.lab.site.Commands;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Makes the volumes of one pod, as a kubelet does. For one thread. */
final class PodVolumes {
  private static final int MIB = 1 << 20;

  private final ClusterFiles cluster;
  private final Path home;
  private final String group;
  private final Map<String, JsonNode> volumes = new TreeMap<>();

  /**
   * Makes nothing yet.
   *
   * @param home of what goes with the pod
   */
  PodVolumes(PodSpec pod, ClusterFiles cluster, Path home) {
    this.cluster = cluster;
    this.home = home;
    this.group = pod.ownGroup();
    pod.volumes().forEach(volume -> volumes.put(volume.path("name").asText(), volume));
  }

  /** The mount of a volume into a container. */
  Mount mount(VolumeMount mount) {
    JsonNode volume = volumes.get(mount.volume());
    if (volume == null) {
      throw new AssertionError("the pod has no volume " + mount.volume());
    }
    if (volume.at("/emptyDir/medium").asText().equals("Memory")) {
      String size = volume.at("/emptyDir/sizeLimit").asText();
      long bytes = Long.parseLong(size.substring(0, size.length() - 2)) * MIB;
      return new Mount()
          .withType(MountType.TMPFS)
          .withTarget(mount.path())
          .withTmpfsOptions(new TmpfsOptions().withSizeBytes(bytes).withMode(0777));
    }
    return bind(source(volume), mount);
  }

  /** A directory of the node in a container. */
  static Mount bind(Path source, VolumeMount mount) {
    return new Mount()
        .withType(MountType.BIND)
        .withSource(source.toString())
        .withTarget(mount.path())
        .withReadOnly(mount.readOnly())
        .withBindOptions(
            new BindOptions()
                .withPropagation(
                    mount.followsNode() ? BindPropagation.R_SLAVE : BindPropagation.R_PRIVATE));
  }

  private Path source(JsonNode volume) {
    try (Fields fields = new Fields("volume", volume)) {
      String name = fields.text("name");
      Path own = home.resolve(name);
      if (volume.has("hostPath")) {
        return onNode(fields.object("hostPath"));
      } else if (volume.has("emptyDir")) {
        fields.object("emptyDir");
        return owned(own, "rwxrwxrwx");
      } else if (volume.has("persistentVolumeClaim")) {
        return owned(
            cluster.claim(fields.take("persistentVolumeClaim").path("claimName").asText()),
            "rwxrwx---");
      } else if (volume.has("configMap")) {
        return written(
            own, cluster.configMap(fields.take("configMap").path("name").asText()), 0644);
      } else if (volume.has("secret")) {
        JsonNode secret = fields.take("secret");
        return written(
            own,
            cluster.secret(secret.path("secretName").asText()),
            secret.path("defaultMode").asInt(0644));
      } else if (volume.has("projected")) {
        JsonNode projected = fields.take("projected");
        String path = projected.at("/sources/0/serviceAccountToken/path").asText();
        String audience = projected.at("/sources/0/serviceAccountToken/audience").asText();
        return written(
            own, Map.of(path, cluster.token(audience)), projected.path("defaultMode").asInt(0644));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make " + volume, e);
    }
    throw new AssertionError("this kubelet does not know the volume " + volume);
  }

  private Path onNode(Fields hostPath) throws IOException {
    try (hostPath) {
      Path path = cluster.onNode(Path.of(hostPath.text("path")));
      switch (hostPath.text("type")) {
        case "DirectoryOrCreate" -> Files.createDirectories(path);
        case "Directory" -> {
          if (!Files.isDirectory(path)) {
            throw new AssertionError("the node has no directory " + path);
          }
        }
        default -> throw new AssertionError(hostPath.path() + " has a type that is not known");
      }
      return path;
    }
  }

  /** A directory that the pod's group may write. */
  private Path owned(Path directory, String permissions) throws IOException {
    if (!Files.isDirectory(directory)) {
      Files.createDirectories(directory);
      Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString(permissions));
      chgrp(directory);
    }
    return directory;
  }

  private Path written(Path directory, Map<String, byte[]> files, int mode) throws IOException {
    Files.createDirectories(directory);
    for (Map.Entry<String, byte[]> file : files.entrySet()) {
      Path path = directory.resolve(file.getKey());
      Files.write(path, file.getValue());
      Files.setPosixFilePermissions(path, permissions(mode));
      chgrp(path);
    }
    return directory;
  }

  private void chgrp(Path path) {
    if (!group.isEmpty()) {
      Commands.run("chgrp", group, path.toString());
    }
  }

  private static Set<PosixFilePermission> permissions(int mode) {
    StringBuilder text = new StringBuilder();
    for (int bit = 8; bit >= 0; bit--) {
      text.append((mode >> bit & 1) == 0 ? '-' : "xwr".charAt(bit % 3));
    }
    return PosixFilePermissions.fromString(text.toString());
  }
}
