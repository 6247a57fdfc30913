package io.sluice.lab.demo;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;

/** What is shown between an empty stage and an empty stage. */
interface DemoPlay {
  /** Makes what is needed, starts it and goes through every step; throws when it cannot go on. */
  void perform(DemoReport report) throws IOException, InterruptedException;

  /** Goes on by itself when this process ends; returns when that has been seen, with its page. */
  String keep(DemoStage stage) throws IOException, InterruptedException;

  /** How traffic is intercepted. */
  DemoMode mode();

  /** Ends the mesh's processes as an operator would. */
  void stop() throws InterruptedException;

  /** Ends them at once. */
  void kill() throws InterruptedException;

  /** The ends of logs, for a failure that tells none; empty when nothing was logged. */
  String lastWords();

  /** The report for programs. */
  ObjectNode json(DemoReport report, Duration took);

  /** What is told at the end, for people. */
  void print(PrintWriter out);

  /** How to look around in what was kept. */
  void printHints(String option, String page, PrintWriter out);
}
