package io.sluice.kernel;

import org.junit.jupiter.api.Tag;

@Tag("kernel")
class EbpfExclusionTest extends ExclusionContract {
  EbpfExclusionTest() {
    super(Mechanism.EBPF);
  }
}
