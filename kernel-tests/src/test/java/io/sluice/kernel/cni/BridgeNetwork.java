package io.sluice.kernel.cni;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A network of Debian's plugins: a bridge with host-local addresses of both families. */
public final class BridgeNetwork {
  /** Where Debian has its plugins. */
  public static final Path PLUGINS = Path.of("/usr/lib/cni");

  private BridgeNetwork() {}

  /** Writes it as the runtime's configuration; {@code ipam} notes the addresses given away. */
  public static void write(Path configurations, Path ipam) throws IOException {
    Files.writeString(
        configurations.resolve("10-bridge.conflist"),
        """
        {"cniVersion": "1.0.0", "name": "pods", "plugins": [
          {"type": "bridge", "bridge": "br0", "hairpinMode": true, "ipam": {
            "type": "host-local", "dataDir": "%s",
            "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}],
            "ranges": [
              [{"subnet": "10.77.0.0/16", "gateway": "10.77.0.1",
                "rangeStart": "10.77.100.1", "rangeEnd": "10.77.120.250"}],
              [{"subnet": "fd77::/64", "gateway": "fd77::1",
                "rangeStart": "fd77::a:0", "rangeEnd": "fd77::a:ffff"}]]}},
          {"type": "portmap", "capabilities": {"portMappings": true}}]}
        """
            .formatted(ipam));
  }
}
