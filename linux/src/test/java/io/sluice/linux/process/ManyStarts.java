package io.sluice.linux.process;

import java.util.ArrayList;
import java.util.List;

/** A program that starts programs from several threads until it is killed. */
final class ManyStarts {
  private static final int THREADS = 24;

  private ManyStarts() {}

  /** Prints a line once each thread has started one. */
  public static void main(String[] args) throws Exception {
    List<Thread> threads = new ArrayList<>();
    Object printing = new Object();
    for (int i = 0; i < THREADS; i++) {
      threads.add(
          Thread.ofPlatform()
              .start(() -> {
                startOne();
                synchronized (printing) {
                  System.out.println("started");
                }
                while (true) {
                  startOne();
                }
              }));
    }
    threads.getFirst().join();
  }

  private static void startOne() {
    try {
      int _ = Children.start(new ProcessBuilder("true")).waitFor();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
