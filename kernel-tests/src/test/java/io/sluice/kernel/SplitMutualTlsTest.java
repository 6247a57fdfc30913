package io.sluice.kernel;

import org.junit.jupiter.api.Tag;

@Tag("kernel")
class SplitMutualTlsTest extends MutualTlsContract {
  SplitMutualTlsTest() {
    super(Mechanism.SPLIT);
  }
}
