package io.sluice.kernel;

import org.junit.jupiter.api.Tag;

@Tag("kernel")
class EbpfOutboundTest extends OutboundContract {
  EbpfOutboundTest() {
    super(Mechanism.EBPF);
  }
}
