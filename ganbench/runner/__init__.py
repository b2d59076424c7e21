"""Carries out a suite: the plan, its jobs, the workers and what they record.

plan.make(suite, store)          a Plan: which runs are done, failed, or to do, and the Jobs for these
run.run(plan, execution, ...)    hands the jobs to an executor, which starts workers with WorkerSettings
worker.Worker.fill(job)          trains and scores the runs of a job, and reports events
recorder.PackRecorder            writes the run folders
"""
