package io.sluice.node;

import io.sluice.mesh.Cidr;
import io.sluice.mesh.IpAddresses;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The name servers that the kubelet of this node gives to pods, as far as files tell: those of this
 * process are the cluster's where the kubelet wrote them, those of process 1 the node's own
 * (resolv.conf(5)). Files of pods are never read.
 */
final class NodeResolvers {
  /** Far more than the three name servers of resolv.conf(5) with comments take. */
  private static final int FILE_BYTES = 64 << 10;

  private static final String PLAIN = "etc/resolv.conf";

  /** Of the node: its own; the one for others behind a local cache; what k3s writes instead. */
  private static final List<String> OF_NODE =
      List.of(
          PLAIN,
          "run/systemd/resolve/resolv.conf",
          "var/lib/rancher/k3s/agent/etc/resolv.conf",
          "var/lib/rancher/rke2/agent/etc/resolv.conf");

  private static final Pattern WHITE_SPACE = Pattern.compile("\\s+");

  private final List<Path> files;

  /**
   * Reads nothing yet.
   *
   * @param root of this process' own file system
   * @param proc where the node's process table is mounted
   */
  NodeResolvers(Path root, Path proc) {
    files =
        Stream.concat(
                Stream.of(root.resolve(PLAIN)),
                OF_NODE.stream().map(proc.resolve("1/root")::resolve))
            .toList();
  }

  /** Those of now; a file that is not there or cannot be read says nothing. */
  List<Cidr> read() {
    return files.stream().flatMap(NodeResolvers::nameservers).distinct().toList();
  }

  private static Stream<Cidr> nameservers(Path file) {
    String text;
    try (InputStream in = Files.newInputStream(file)) {
      text = new String(in.readNBytes(FILE_BYTES), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return Stream.empty();
    }
    return text.lines()
        .map(line -> WHITE_SPACE.split(line.strip(), -1))
        .filter(words -> words.length > 1 && words[0].equals("nameserver"))
        .flatMap(words -> address(words[1]).stream());
  }

  /** A cache on the node's loopback is nobody in a pod; one with a zone is link-local. */
  private static Optional<Cidr> address(String word) {
    try {
      InetAddress address = IpAddresses.parse(word);
      return address.isLoopbackAddress() ? Optional.empty() : Optional.of(Cidr.of(address));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }
}
