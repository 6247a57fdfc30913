package io.sluice.kernel;

import org.junit.jupiter.api.Tag;

@Tag("kernel")
class EbpfMutualTlsTest extends MutualTlsContract {
  EbpfMutualTlsTest() {
    super(Mechanism.EBPF);
  }
}
