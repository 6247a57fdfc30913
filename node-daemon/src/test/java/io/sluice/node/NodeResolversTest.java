package io.sluice.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.Cidr;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NodeResolversTest {
  @TempDir private Path root;
  @TempDir private Path proc;

  @Test
  void readsWhatTheKubeletGaveTheDaemonAndWhatTheNodeHas() throws IOException {
    write(root.resolve("etc/resolv.conf"), "search shop.svc\nnameserver 10.43.0.10\n");
    write(
        proc.resolve("1/root/etc/resolv.conf"),
        "nameserver 127.0.0.53\nnameserver ::1 # cache\n nameserver\t10.43.0.10\n");
    write(
        proc.resolve("1/root/run/systemd/resolve/resolv.conf"),
        "nameserver 192.0.2.1\nnameserver fe80::1%eth0\nnameserver\nnameserver 2001:db8::53 x\n");

    assertThat(new NodeResolvers(root, proc).read())
        .containsExactly(
            Cidr.parse("10.43.0.10"), Cidr.parse("192.0.2.1"), Cidr.parse("2001:db8::53"));
  }

  @Test
  void aMissingFileSaysNothing() {
    assertThat(new NodeResolvers(root, proc).read()).isEmpty();
  }

  private static void write(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }
}
