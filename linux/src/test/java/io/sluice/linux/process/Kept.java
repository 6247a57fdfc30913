package io.sluice.linux.process;

import java.util.concurrent.CountDownLatch;

/** A program that ends with the process whose id it is given, says its own id, and waits. */
final class Kept {
  private Kept() {}

  public static void main(String[] args) throws InterruptedException {
    Keeper.endWith(Long.parseLong(args[0]));
    System.out.println(ProcessHandle.current().pid());
    new CountDownLatch(1).await();
  }
}
