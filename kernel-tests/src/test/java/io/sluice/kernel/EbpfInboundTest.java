package io.sluice.kernel;

import org.junit.jupiter.api.Tag;

@Tag("kernel")
class EbpfInboundTest extends InboundContract {
  EbpfInboundTest() {
    super(Mechanism.EBPF);
  }
}
