"""Nightly ETL: aggregates a day's orders into Parquet, partitioned by the slot of the run.

Usage: nightly_etl.py INPUT_DIR OUTPUT_DIR SLOT
INPUT_DIR holds orders.csv (generated when missing), SLOT is the time the run was due (RFC 3339).
Running a slot again replaces only its own partition.
"""
import csv
import os
import random
import sys

from pyspark.sql import SparkSession, functions as F

REGIONS = ["north", "south", "east", "west"]


def generate(path, rows=20_000):
    """Writes a small, always equal set of orders."""
    rng = random.Random(7)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = f"{path}.{os.getpid()}"
    with open(temporary, "w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["order_id", "region", "amount"])
        for order in range(rows):
            writer.writerow([order, rng.choice(REGIONS), f"{rng.uniform(1, 500):.2f}"])
    os.replace(temporary, path)


def main():
    source, target, slot = sys.argv[1:4]
    orders = os.path.join(source, "orders.csv")
    if not os.path.exists(orders):
        generate(orders)

    spark = SparkSession.builder.getOrCreate()
    spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
    sales = (
        spark.read.csv(orders, header=True, schema="order_id LONG, region STRING, amount DOUBLE")
        .groupBy("region")
        .agg(F.count("*").alias("orders"), F.round(F.sum("amount"), 2).alias("revenue"))
        # The colon of a time stamp is not welcome in a folder's name.
        .withColumn("slot", F.lit(slot.replace(":", "-")))
    )
    sales.coalesce(1).write.partitionBy("slot").mode("overwrite").parquet(target)
    for row in sales.orderBy("region").collect():
        print(f"{slot} {row.region:<6} {row.orders:>6} orders {row.revenue:>14,.2f}", flush=True)
    print(f"ETL of slot {slot} done", flush=True)
    spark.stop()


if __name__ == "__main__":
    main()
