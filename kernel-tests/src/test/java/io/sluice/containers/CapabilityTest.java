package io.sluice.containers;

import io.sluice.kernel.site.Await;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("kernel")
class CapabilityTest {
  @Test
  void look() throws Exception {
    for (String mode : List.of("ebpf", "iptables")) {
      try (InstalledSite site = new InstalledSite()) {
        site.install(List.of("interception.mode=" + mode));
        site.node().delete();
        for (String cap :
            List.of("NET_ADMIN", "SYS_ADMIN", "SYS_PTRACE", "DAC_OVERRIDE", "NET_RAW")) {
          PodSpec pod = site.cluster.pod("DaemonSet", "sluice-node").with(c -> c.without(cap));
          RunningPod run = site.beginNode(pod);
          String how;
          try {
            Await.until(
                "x",
                java.time.Duration.ofSeconds(12),
                () -> !run.isRunning() || run.get(15020, "/readyz").startsWith("HTTP/1.1 200"));
            how = run.isRunning() ? "ready" : "ended";
          } catch (AssertionError e) {
            how = "never ready " + run.get(15020, "/readyz");
          }
          System.out.println(
              "CAP "
                  + mode
                  + " "
                  + cap
                  + " "
                  + how
                  + "\nCAP "
                  + run.log().replace("\n", "\nCAP    "));
          run.delete();
        }
      }
    }
  }
}
