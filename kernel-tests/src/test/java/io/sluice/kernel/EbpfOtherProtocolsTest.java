package io.sluice.kernel;

import org.junit.jupiter.api.Tag;

@Tag("kernel")
class EbpfOtherProtocolsTest extends OtherProtocolsContract {
  EbpfOtherProtocolsTest() {
    super(Mechanism.EBPF);
  }
}
