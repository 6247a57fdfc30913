package io.sluice.kernel;

import org.junit.jupiter.api.Tag;

@Tag("kernel")
class SplitExclusionTest extends ExclusionContract {
  SplitExclusionTest() {
    super(Mechanism.SPLIT);
  }
}
