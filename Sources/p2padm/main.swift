print("p2padm")
