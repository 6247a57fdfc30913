package io.sluice.kernel.cni;

import io.sluice.kernel.Mechanism;
import io.sluice.lab.site.Commands;
import org.junit.jupiter.api.Tag;

@Tag("kernel")
class IptablesSandboxLifeTest extends SandboxLifeContract {
  IptablesSandboxLifeTest() {
    super(Mechanism.IPTABLES);
  }

  @Override
  void breakInterception(Container container) {
    Commands.run(
        "nsenter", "--net=" + container.network().path(), "iptables-nft", "-t", "nat", "-F");
  }
}
