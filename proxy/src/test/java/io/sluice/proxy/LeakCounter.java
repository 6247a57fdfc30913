package io.sluice.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.PoolArenaMetric;
import io.netty.buffer.PooledByteBufAllocatorMetric;
import io.netty.util.ResourceLeakDetector;
import io.netty.util.ResourceLeakDetectorFactory;
import io.sluice.await.Await;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Collects what Netty's leak detector reports; installed before the first buffer is made. */
public final class LeakCounter extends ResourceLeakDetectorFactory {
  public static final Queue<String> REPORTS = new ConcurrentLinkedQueue<>();

  public static void install() {
    if (!(ResourceLeakDetectorFactory.instance() instanceof LeakCounter)) {
      ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
      ResourceLeakDetectorFactory.setResourceLeakDetectorFactory(new LeakCounter());
    }
  }

  /** Returns when every buffer is freed, and fails where one was lost on the way. */
  public static void assertAllFreed(PooledByteBufAllocatorMetric buffers) {
    Await.until(
        "all buffers freed",
        () ->
            buffers.directArenas().stream().mapToLong(PoolArenaMetric::numActiveAllocations).sum()
                == 0);
    assertThat(REPORTS).as("leak reports").isEmpty();
  }

  @Override
  @SuppressWarnings("deprecation") // the factory's abstract method is the deprecated one
  public <T> ResourceLeakDetector<T> newResourceLeakDetector(
      Class<T> resource, int samplingInterval, long maxActive) {
    return new ResourceLeakDetector<>(resource, samplingInterval) {
      @Override
      protected void reportTracedLeak(String resourceType, String records) {
        REPORTS.add(resourceType + records);
      }

      @Override
      protected void reportUntracedLeak(String resourceType) {
        REPORTS.add(resourceType);
      }
    };
  }
}
