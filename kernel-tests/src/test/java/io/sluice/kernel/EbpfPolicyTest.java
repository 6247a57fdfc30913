package io.sluice.kernel;

import org.junit.jupiter.api.Tag;

@Tag("kernel")
class EbpfPolicyTest extends PolicyContract {
  EbpfPolicyTest() {
    super(Mechanism.EBPF);
  }
}
