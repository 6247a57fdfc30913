package io.sluice.kernel.cni;

import io.sluice.kernel.Mechanism;
import io.sluice.linux.bpf.BpfLink;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;

@Tag("kernel")
class EbpfSandboxLifeTest extends SandboxLifeContract {
  EbpfSandboxLifeTest() {
    super(Mechanism.EBPF);
  }

  @Override
  void breakInterception(Container container) {
    Path pin = site.site.daemon().view().pins().pod(container.cookie()).resolve("link");
    try (BpfLink link = BpfLink.openPinned(pin)) {
      link.detach();
    }
  }
}
