package io.sluice.kernel;

import org.junit.jupiter.api.Tag;

@Tag("kernel")
class SplitPolicyTest extends PolicyContract {
  SplitPolicyTest() {
    super(Mechanism.SPLIT);
  }
}
